% rebase("layout.tpl", title=who_is(villager))
<section class="sheet card">
<h1 dir="auto">{{who_is(villager)}}</h1>
% if password:
<div class="note" role="status"><p>{{_("The new password. Write it down now, it is not shown again:")}}</p>
<p class="secret">{{password}}</p>
<p>{{_("It has to be changed at the next log-in.")}}</p></div>
% end
<dl>
<div><dt>{{_("Address")}}</dt><dd>{{villager.name}}@{{domain}}</dd></div>
<div><dt>{{_("Since")}}</dt><dd>{{when_exactly(villager.created)}}</dd></div>
<div><dt>{{_("Last seen")}}</dt><dd>{{when_exactly(villager.last_seen) if villager.last_seen else _("never here")}}</dd></div>
<div><dt>{{_("Room")}}</dt><dd>{{_("{used} of {quota} are used.").format(used=size(quota_usage.used), quota=size(quota_usage.quota)) if quota_usage.quota else _("{used} are used.").format(used=size(quota_usage.used))}}</dd></div>
<div><dt>{{_("This month")}}</dt><dd>{{size(month.size) if month else _("nothing")}}{{", " + money(month.money) if month and money.currency else ""}}</dd></div>
</dl>
% if account.is_keeper:
<form class="actions" method="post" action="/villagers/{{villager.id}}/budget">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="budget">{{_("Data for a day")}}</label>
<select id="budget" name="budget">
<option value="">{{_("as everybody")}}</option>
% for amount in sorted({*budgets, budget} - {None}):
<option value="{{amount}}"{{!" selected" if amount == budget else ""}}>{{size(amount)}}</option>
% end
</select>
<button class="quiet">{{_("Save")}}</button>
</form>
% end
% if may_change:
<form class="actions" method="post" action="/villagers/{{villager.id}}/suspend">
<input type="hidden" name="csrf" value="{{csrf}}">
% if villager.suspended:
<button name="suspended" value="0">{{_("Let in again")}}</button>
% else:
<button class="quiet" name="suspended" value="1">{{_("Suspend")}}</button>
% end
</form>
<form class="actions" method="post" action="/villagers/{{villager.id}}/password">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="quiet">{{_("Give a new password")}}</button>
</form>
% if account.is_keeper:
<form class="actions" method="post" action="/villagers/{{villager.id}}/role">
<input type="hidden" name="csrf" value="{{csrf}}">
<fieldset>
<legend>{{_("This villager is a")}}</legend>
% for role, name in roles.items():
<label class="pick"><input type="radio" name="role" value="{{role}}"{{!" checked" if villager.role == role else ""}}> {{_(name)}}</label>
% end
</fieldset>
<button class="quiet">{{_("Save")}}</button>
</form>
<form class="actions" method="post" action="/villagers/{{villager.id}}/quota">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="quota">{{_("Room for letters")}}</label>
<select id="quota" name="quota">
<option value="">{{_("as everybody")}}</option>
% for one in quotas:
<option value="{{one}}"{{!" selected" if one == villager.quota else ""}}>{{size(one) if one else _("no end")}}</option>
% end
</select>
<button class="quiet">{{_("Save")}}</button>
</form>
<h2>{{_("Delete the account")}}</h2>
<p>{{_("First give the villager the letters, if they want them. What waits in the outbox will not leave.")}}</p>
% for currency, amount in credit.items():
<p>{{(_("There is {amount} of credit left. Pay it back before: what is left then is the village's.") if amount > 0 else _("{amount} is owed. The village bears what is not paid before.")).format(amount=exact(abs(amount), currency))}} <a href="/credit/{{villager.id}}">{{_("Credit")}}</a></p>
% end
<form class="actions" method="post" action="/villagers/{{villager.id}}/export">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="quiet">{{_("Save the letters as a file")}}</button>
</form>
<form class="actions" method="post" action="/villagers/{{villager.id}}/delete">
<input type="hidden" name="csrf" value="{{csrf}}">
<label class="pick"><input type="checkbox" name="sure" value="1" required> {{_("Yes, delete this account and its letters for good")}}</label>
<button class="quiet">{{_("Delete the account")}}</button>
</form>
% end
% end
<p class="actions"><a class="button quiet" href="/villagers">{{_("Back")}}</a></p>
</section>
