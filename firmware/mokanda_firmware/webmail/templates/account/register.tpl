% rebase("layout.tpl", title=_("Register"))
<section class="sheet narrow">
% if is_first:
<p class="hint">{{_("Step {number} of {all}").format(number=2, all=4)}}</p>
<h1>{{_("Your account")}}</h1>
<p class="note">{{_("You are the first one here: you become the keeper of this device.")}}</p>
% else:
<h1>{{_("Register")}}</h1>
% end
% if way == "closed":
<p>{{_("The keeper of this device gives out the accounts here. Please ask them for one.")}}</p>
% else:
<form method="post" action="/register">
<input type="hidden" name="csrf" value="{{csrf}}">
% if way == "code":
<label for="code">{{_("The code of the village")}}</label>
<input id="code" name="code" value="{{code}}" maxlength="40" autocomplete="off" autocapitalize="none" spellcheck="false" required aria-describedby="about-code">
<p class="hint" id="about-code">{{_("Your keeper knows it.")}}</p>
% end
<label for="display_name">{{_("Your name")}}</label>
<input id="display_name" name="display_name" value="{{display_name}}" maxlength="60" autocomplete="name" required>
<label for="name">{{_("The name for your address")}}</label>
<input id="name" name="name" value="{{name}}" minlength="2" maxlength="32" autocomplete="username" autocapitalize="none" spellcheck="false" required aria-describedby="about-name">
<p class="hint" id="about-name">{{_("Letters from a to z and digits. Example: {example}").format(example="awa@" + domain if domain else "awa")}}</p>
<label for="password">{{_("Password")}}</label>
<input id="password" name="password" type="password" minlength="{{min_password}}" maxlength="200" autocomplete="new-password" required aria-describedby="about-password">
<p class="hint" id="about-password">{{_("At least {number} characters").format(number=min_password)}}</p>
<label for="again">{{_("The password once more")}}</label>
<input id="again" name="again" type="password" autocomplete="new-password" required>
<button class="wide">{{_("Register")}}</button>
</form>
% end
% if not is_first:
<p class="aside">{{_("You have an account?")}} <a href="/">{{_("Log in")}}</a></p>
% end
</section>
