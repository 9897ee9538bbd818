% rebase("layout.tpl", title=_("Forgotten password"))
<section class="sheet narrow">
<h1>{{_("Forgotten password")}}</h1>
<p>{{_("With your recovery code you can choose a new password. If you do not have the code any more, go to your keeper, who can give you a new password.")}}</p>
<form method="post" action="/forgotten">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="name">{{_("Name")}}</label>
<input id="name" name="name" value="{{name}}" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="code">{{_("Recovery code")}}</label>
<input id="code" name="code" value="{{code}}" maxlength="40" autocomplete="off" autocapitalize="none" spellcheck="false" required>
<label for="password">{{_("The new password")}}</label>
<input id="password" name="password" type="password" minlength="{{min_password}}" maxlength="200" autocomplete="new-password" required aria-describedby="about-password">
<p class="hint" id="about-password">{{_("At least {number} characters").format(number=min_password)}}</p>
<label for="again">{{_("The password once more")}}</label>
<input id="again" name="again" type="password" autocomplete="new-password" required>
<button class="wide">{{_("Change the password")}}</button>
</form>
<p class="aside"><a href="/">{{_("Log in")}}</a></p>
</section>
