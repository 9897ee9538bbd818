% rebase("layout.tpl", title=_("More"))
<h1 class="unseen">{{_("More")}}</h1>
<ul class="letters menu">
<li><a href="/search">{{_("Search")}}</a></li>
<li><a href="/drafts">{{_("Drafts")}}{{" (%d)" % drafts if drafts else ""}}</a></li>
<li><a href="/archive">{{_("Archives")}}</a></li>
<li><a href="/trash">{{_("Trash")}}</a></li>
<li><a href="/news">{{_("News")}}</a></li>
<li><a href="/people">{{_("People")}}</a></li>
<li><a href="/account">{{_("My account")}}</a></li>
<li><a href="/account/habits">{{_("Signature and absence")}}</a></li>
<li><a href="/device">{{_("Device")}}</a></li>
% if account.is_keeper:
<li><a href="/device/village">{{_("Village and Wi-Fi")}}</a></li>
<li><a href="/plan">{{_("Times and prices")}}</a></li>
<li><a href="/spending">{{_("Data and money")}}</a></li>
<li><a href="/backup">{{_("Backup")}}</a></li>
<li><a href="/logs">{{_("Log")}}</a></li>
% end
% if account.is_helper:
<li><a href="/villagers">{{_("Villagers")}}</a></li>
% end
</ul>
