% rebase("layout.tpl")
<h1{{!' class="unseen"' if folder in ("inbox", "outbox", "sent") else ""}}>{{title}}</h1>
% if next_run and page.lines:
<p class="hint">{{next_run}}</p>
% end
% if not page.lines:
<p class="empty">{{empty}}</p>
% elif selecting:
<form method="post" action="/move">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="from" value="{{folder}}">
<input type="hidden" name="whole" value="1">
% include("letters/lines.tpl")
<p class="actions">
% for value, name in actions.items():
<button name="do" value="{{value}}">{{_(name)}}</button>
% end
<a class="button quiet" href="/{{folder}}">{{_("Back")}}</a>
</p>
</form>
% else:
% include("letters/lines.tpl")
% end
% if not selecting:
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
% if page.lines and actions:
<p class="aside"><a href="/{{folder}}?select=1{{"&before=%d" % (page.lines[0].id + 1) if page.newer else ""}}">{{_("Choose several")}}</a></p>
% end
% if folder == "trash" and page.lines:
<form class="aside" method="post" action="/move">
<input type="hidden" name="csrf" value="{{csrf}}">
<label class="check"><input type="checkbox" name="sure" value="1" required> {{_("I am sure")}}</label>
<button class="plain" name="do" value="empty">{{_("Empty the trash")}}</button>
</form>
% end
<a class="button write" href="/write">{{_("Write")}}</a>
% end
