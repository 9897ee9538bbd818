% rebase("layout.tpl", title=_("Drafts"))
<h1>{{_("Drafts")}}</h1>
% if not drafts:
<p class="empty">{{_("There are no drafts. A letter that you do not send can be kept here.")}}</p>
% end
<ul class="letters plainly">
% for draft in drafts:
% begins = " ".join(draft.fields.get("text", "")[:200].split())[:60]
<li><a href="/write?draft={{draft.id}}"><span class="who">{{draft.fields.get("to") or _("nobody")}}</span> <span class="when">{{when(draft.updated)}}</span>
<span class="subject" dir="auto">{{_(damaged) if draft.is_damaged else draft.fields.get("subject") or begins or _("(no subject)")}}</span></a>
<form method="post" action="/drafts/{{draft.id}}/delete"><input type="hidden" name="csrf" value="{{csrf}}"><button class="plain">{{_("Delete")}}</button></form></li>
% end
</ul>
