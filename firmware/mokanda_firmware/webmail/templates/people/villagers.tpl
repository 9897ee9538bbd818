% rebase("layout.tpl", title=_("Villagers"))
<h1>{{_("Villagers")}}</h1>
<ul class="letters plainly wordy">
% for one in villagers:
<li><a href="/villagers/{{one.account.id}}"><span class="who" dir="auto">{{who_is(one.account)}}</span> <span class="when">{{when(one.account.last_seen) if one.account.last_seen else _("never here")}}</span>
<span class="subject">{{one.account.name}} · {{size(one.size)}}\\
% share = shares.get(one.account.id)
% if account.is_keeper and share:
 · {{_("this month {what}").format(what=", ".join(filter(None, (size(share.size), money(share.money)))))}}\\
% end
% if one.account.suspended:
 · <b>{{_("suspended")}}</b>\\
% end
% if one.account.role != "villager":
 · {{_("keeper") if one.account.is_keeper else _("helper")}}\\
% end
</span></a></li>
% end
</ul>
<p class="actions"><a class="button" href="/villagers/new">{{_("Add a villager")}}</a></p>
% if not account.is_keeper and rule.code:
<p class="sheet card">{{_("The code of the village:")}} <b class="secret">{{rule.code}}</b></p>
% end
% if account.is_keeper:
<form class="sheet card" method="post" action="/villagers/rule">
<input type="hidden" name="csrf" value="{{csrf}}">
<fieldset>
<legend>{{_("Who gets an account")}}</legend>
% for way, name in ways.items():
<label class="pick"><input type="radio" name="way" value="{{way}}"{{!" checked" if rule.way == way else ""}}> {{_(name)}}</label>
% end
</fieldset>
% if rule.code:
<p>{{_("The code of the village:")}} <b class="secret">{{rule.code}}</b></p>
<label class="pick"><input type="checkbox" name="new_code" value="1"> {{_("Make a new code")}}</label>
% end
<label for="quota">{{_("Room for everybody")}}</label>
<select id="quota" name="quota">
% for one in quotas:
<option value="{{one}}"{{!" selected" if one == quota else ""}}>{{size(one) if one else _("no end")}}</option>
% end
</select>
<button class="wide quiet">{{_("Save")}}</button>
</form>
% end
% if reserved_names:
<section class="sheet card">
<h2>{{_("Names that rest")}}</h2>
<p class="hint">{{_("They belonged to villagers who were deleted. Mail for them still comes: who gets the name gets that mail too.")}}</p>
<ul class="attachments">
% for one in reserved_names:
<li><b>{{one.name}}</b> <span class="hint">{{_("up to {day}").format(day=when(one.until))}}</span>
<form method="post" action="/villagers/names">
<input type="hidden" name="csrf" value="{{csrf}}"><input type="hidden" name="name" value="{{one.name}}">
<label class="check"><input type="checkbox" name="sure" value="1" required> {{_("I am sure")}}<span class="unseen">: {{one.name}}</span></label>
<button class="plain">{{_("Give it free")}}<span class="unseen">: {{one.name}}</span></button>
</form></li>
% end
</ul>
</section>
% end
% if acts:
<section class="sheet card">
<h2>{{_("What was done")}}</h2>
<ul>
% for act in acts:
<li>{{when_exactly(act.at)}}: {{act.subject + " – " if act.subject else ""}}{{_(actions.get(act.action, act.action))}} ({{act.actor}})</li>
% end
</ul>
</section>
% end
