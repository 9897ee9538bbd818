% rebase("layout.tpl", title=_("My account"))
<h1>{{_("My account")}}</h1>
% if not account.must_change:
<section class="sheet card">
<p>{{_("Your address:")}} <b>{{account.name}}@{{domain}}</b></p>
<form method="post" action="/account/name">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="display_name">{{_("Your name")}}</label>
<input id="display_name" name="display_name" value="{{account.display_name}}" maxlength="60" autocomplete="name" required>
<button class="wide">{{_("Save")}}</button>
</form>
</section>
% end
<form class="sheet card" method="post" action="/account/password">
<h2>{{_("A new password")}}</h2>
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="username" value="{{account.name}}" autocomplete="username">
<label for="old">{{_("Your password until now")}}</label>
<input id="old" name="old" type="password" autocomplete="current-password" required>
<label for="password">{{_("The new password")}}</label>
<input id="password" name="password" type="password" minlength="{{min_password}}" maxlength="200" autocomplete="new-password" required aria-describedby="about-password">
<p class="hint" id="about-password">{{_("At least {number} characters").format(number=min_password)}}</p>
<label for="again">{{_("The password once more")}}</label>
<input id="again" name="again" type="password" autocomplete="new-password" required>
<button class="wide">{{_("Change the password")}}</button>
</form>
