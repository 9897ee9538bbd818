% rebase("layout.tpl")
<h1 class="unseen">{{title}}</h1>
% if next_run and page.lines:
<p class="hint">{{next_run}}</p>
% end
% if not page.lines:
<p class="empty">{{empty}}</p>
% end
<ul class="letters">
% for line in page.lines:
% people = (line.sender,) if folder == "inbox" else line.to
<li{{!' class="unread"' if line.unread else ""}}><a href="/mail/{{line.id}}"><i class="face f{{colour(people)}}" aria-hidden="true">{{initial(people)}}</i>
<span class="who">{{", ".join(who(one) for one in people) or _("nobody")}}</span> <span class="when">{{when(line.at)}}</span>
<span class="subject">\\
% if line.unread:
<span class="unseen">{{_("unread") if folder == "inbox" else _("not delivered")}}: </span>\\
% end
{{line.subject or _("(no subject)")}}</span>\\
% if line.attachments:
 <span class="files">{{ngettext("{number} file", "{number} files", line.attachments).format(number=line.attachments)}}</span>\\
% end
</a></li>
% end
</ul>
% if page.newer or page.older:
<p class="pager">
% if page.newer:
<a class="button quiet" href="/{{folder}}?after={{page.newer}}">{{_("Newer")}}</a>
% end
% if page.older:
<a class="button quiet" href="/{{folder}}?before={{page.older}}">{{_("Older")}}</a>
% end
</p>
% end
<a class="button write" href="/write">{{_("Write")}}</a>
