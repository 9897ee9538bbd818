% rebase("layout.tpl", title=_("People"))
<h1>{{_("People")}}</h1>
% if groups:
<h2>{{_("Groups")}}</h2>
<ul class="letters plainly">
% for name, members in groups.items():
<li><a href="/people/group?{{urlencode({"name": name})}}"><span class="who" dir="auto">{{name}}</span>
<span class="subject">{{", ".join(who(one) for one in members[:12])}}</span></a></li>
% end
</ul>
% end
<p class="actions"><a class="button quiet" href="/people/group">{{_("New group")}}</a></p>
% if searching:
<form class="sheet card" method="get" action="/people" role="search">
<label for="q">{{_("Search")}}</label>
<input id="q" name="q" type="search" value="{{words}}" autocapitalize="none">
<button class="wide quiet">{{_("Search")}}</button>
</form>
% end
% if not people:
<p class="empty">{{_("Nothing was found.") if words else _("Whom you write to is kept here.")}}</p>
% end
<ul class="letters plainly">
% for one in people:
<li><a href="/write?{{urlencode({"to": one.address})}}"><span class="who" dir="auto">{{who(one)}}</span>
<span class="subject">{{one.address}}</span></a>
<a class="change" href="/people/person?{{urlencode({"address": one.address})}}">{{_("Change")}}<span class="unseen">: {{one.address}}</span></a></li>
% end
</ul>
% if number or more:
<p class="pager">
% for there, name in ((number - 1, _("Back")), (number + 1, _("More"))):
% if 0 <= there <= number or there > number and more:
<a class="button quiet" href="/people?{{urlencode({"q": words, "page": there})}}">{{name}}</a>
% end
% end
</p>
% end
<form class="sheet card" method="post" action="/people/cards" enctype="multipart/form-data">
<h2>{{_("From and for your phone")}}</h2>
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="files">{{_("Contacts of your phone (a .vcf file)")}}</label>
<input id="files" name="files" type="file" accept=".vcf,text/vcard,text/x-vcard">
<p class="actions"><button>{{_("Take them in")}}</button>
% if people:
<a class="button quiet" href="/people/cards.vcf" download>{{_("Save mine as a file")}}</a>
% end
</p>
</form>
