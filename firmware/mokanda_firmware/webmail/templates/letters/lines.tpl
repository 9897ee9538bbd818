<ul class="letters">
% for line in page.lines:
% people = line.to if line.origin == "written" else (line.sender,)
% outside = line.from_outside and line.origin != "written"
% posing = outside and poses(line.sender)
<li{{!' class="unread"' if line.unread else ""}}>\\
% if get("selecting"):
<label><input type="checkbox" name="entry" value="{{line.id}}">\\
% else:
<a href="/mail/{{line.id}}"><i class="face f{{colour(people)}}" aria-hidden="true">{{"!" if posing else initial(people)}}</i>\\
% end
<span class="who" dir="auto">{{", ".join(who(one, from_outside=outside) for one in people) or _("nobody")}}\\
% if line.letters > 1:
 <small>{{line.letters}}<span class="unseen"> {{_("letters")}}</span></small>\\
% end
</span> <span class="when">{{when(line.date)}}</span>
<span class="subject" dir="auto">\\
% if line.unread:
<span class="unseen" dir="auto">{{_("not delivered") if line.origin == "written" else _("unread")}}: </span>\\
% end
{{line.subject or _("(no subject)")}}</span>\\
% if line.starred:
 <span class="files" role="img" aria-label="{{_("with a star")}}">★</span>\\
% end
% if posing:
 <strong class="files">{{_("from outside")}}</strong>\\
% end
% if outside and line.sender.name:
 <span class="files">{{short(line.sender.address)}}</span>\\
% end
% if line.found:
 <span class="found" dir="auto">{{!marked(line.found)}}</span>\\
% end
% if line.attachments:
 <span class="files">{{ngettext("{number} file", "{number} files", line.attachments).format(number=line.attachments)}}</span>\\
% end
% if line.at_relay:
 <span class="files">{{_("{size} still at the relay").format(size=size(line.at_relay))}}</span>\\
% end
% if line.id in get("estimates", {}):
 <span class="found">{{estimates[line.id].why}} {{size(estimates[line.id].size)}}{{", " + estimates[line.id].price if estimates[line.id].price else ""}}</span>\\
% end
% if not folder:
 <span class="files">{{_(titles[line.folder])}}</span>\\
% end
{{!"</label>" if get("selecting") else "</a>"}}</li>
% end
</ul>
