% rebase("layout.tpl", title=_("More"))
<h1 class="unseen">{{_("More")}}</h1>
% for title, items in groups.items():
<h2>{{_(title)}}</h2>
<ul class="letters menu">
% for item in items:
<li><a href="{{item.path}}">{{_(item.title)}}{{" (%d)" % drafts if drafts and item.path == "/drafts" else ""}}</a></li>
% end
</ul>
% end
