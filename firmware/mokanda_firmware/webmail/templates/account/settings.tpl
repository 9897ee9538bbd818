% rebase("layout.tpl", title=_("My account"))
<h1>{{_("My account")}}</h1>
% if not account.must_change:
<section class="sheet card">
<p>{{_("Your address:")}} <b>{{account.name}}@{{domain}}</b></p>
<form method="post" action="/account/name">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="display_name">{{_("Your name")}}</label>
<input id="display_name" name="display_name" value="{{account.display_name}}" maxlength="60" autocomplete="name" required>
% if who_is(account) != account.display_name:
<p class="hint">{{_("Somebody else here has this name too. Lists show yours as “{name}”.").format(name=who_is(account))}}</p>
% end
<button class="wide">{{_("Save")}}</button>
</form>
</section>
<section class="sheet card">
<h2>{{_("What my letters cost")}}</h2>
<p>{{_("This month: {up} sent, {down} received").format(up=size(month.up), down=size(month.down))}}{{", " + money(month.money) if money.currency else ""}}</p>
% if budget:
<p>{{_("{size} a day are yours, {left} are left today.").format(size=size(budget[0]), left=size(max(0, budget[1])))}}</p>
% end
% if days:
<details>
<summary>{{_("The last days")}}</summary>
<div class="scroll" tabindex="0" role="group" aria-label="{{_("The last days")}}">
<table>
<thead><tr><th scope="col">{{_("Day")}}</th><th scope="col">{{_("sent")}}</th><th scope="col">{{_("received")}}</th>\\
% if money.currency:
<th scope="col">{{_("cost")}}</th>\\
% end
</tr></thead>
<tbody>
% for day in days:
<tr><th scope="row">{{day.day}}</th><td>{{size(day.used.up)}}</td><td>{{size(day.used.down)}}</td>\\
% if money.currency:
<td>{{money(day.used.money)}}</td>\\
% end
</tr>
% end
</tbody>
</table>
</div>
</details>
% end
<p class="hint">{{_("Letters that stay in the village cost nothing.")}}</p>
% if has_credit:
<p class="actions"><a class="button quiet" href="/account/credit">{{_("My credit")}}</a></p>
% end
</section>
<section class="sheet card">
<h2>{{_("Room for letters")}}</h2>
% if quota_usage.quota:
<p>{{_("{used} of {quota} are used.").format(used=size(quota_usage.used), quota=size(quota_usage.quota))}}</p>
<progress max="{{quota_usage.quota}}" value="{{min(quota_usage.used, quota_usage.quota)}}">{{size(quota_usage.used)}}</progress>
% else:
<p>{{_("{used} are used.").format(used=size(quota_usage.used))}}</p>
% end
<p class="actions"><a class="button quiet" href="/account/mail.mbox" download>{{_("Save all my letters as a file")}}</a></p>
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
% if not account.must_change:
<form class="sheet card" method="post" action="/account/recovery">
<h2>{{_("Recovery code")}}</h2>
<p>{{_("With it you come in again when you have forgotten your password.") if account.recoverable else _("You have none yet. With one you come in again when you have forgotten your password.")}}</p>
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="username" value="{{account.name}}" autocomplete="username">
<label for="current">{{_("Your password")}}</label>
<input id="current" name="old" type="password" autocomplete="current-password" required>
<button class="wide quiet">{{_("Show a new code")}}</button>
</form>
% end
