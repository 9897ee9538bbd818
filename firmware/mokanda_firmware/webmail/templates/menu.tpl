% rebase("layout.tpl", title=_("More"))
<h1 class="unseen">{{_("More")}}</h1>
<ul class="letters menu">
% for item in items:
<li><a href="{{item.path}}">{{_(item.title)}}{{" (%d)" % drafts if drafts and item.path == "/drafts" else ""}}</a></li>
% end
</ul>
