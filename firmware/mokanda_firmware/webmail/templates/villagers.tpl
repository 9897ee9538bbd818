% rebase("layout.tpl", title=_("Villagers"))
<h1>{{_("Villagers")}}</h1>
<ul class="letters plainly">
% for one in villagers:
<li><a href="/villagers/{{one.account.id}}"><span class="who">{{one.account.display_name}}</span> <span class="when">{{when(one.account.last_seen) if one.account.last_seen else _("never here")}}</span>
<span class="subject">{{one.account.name}} · {{size(one.size)}}\\
% if one.account.suspended:
 · <b>{{_("suspended")}}</b>\\
% end
% if one.account.role != "villager":
 · {{_("keeper") if one.account.is_keeper else _("helper")}}\\
% end
</span></a></li>
% end
</ul>
% if acts:
<section class="sheet card">
<h2>{{_("What was done")}}</h2>
<ul>
% for act in acts:
<li>{{when_exactly(act.at)}}: {{act.subject}} – {{_(actions[act.action])}} ({{act.actor}})</li>
% end
</ul>
</section>
% end
