% rebase("layout.tpl", title=_("Log in"))
<section class="sheet narrow">
<h1>{{_("Letters for the whole village")}}</h1>
<p>{{_("Write to your neighbours at once, and to the whole world with the next mail run.")}}</p>
<form method="post" action="/login">
<input type="hidden" name="csrf" value="{{csrf}}">
% for field, value in kept.items():
<input type="hidden" name="kept-{{field}}" value="{{value}}">
% end
<label for="name">{{_("Name")}}</label>
<input id="name" name="name" value="{{name}}" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="password">{{_("Password")}}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<label class="pick"><input type="checkbox" name="shared" value="1"{{!" checked" if shared else ""}}> {{_("Others use this phone too: log me out soon")}}</label>
<button class="wide">{{_("Log in")}}</button>
</form>
<p class="aside"><a href="/news">{{_("News of the village")}}</a></p>
<p class="aside"><a href="/forgotten">{{_("Forgotten your password?")}}</a></p>
<p class="aside">{{_("New here?")}} <a href="/register">{{_("Register")}}</a></p>
</section>
