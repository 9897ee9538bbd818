% rebase("layout.tpl", title=_("People"))
<h1>{{_("People")}}</h1>
% if not people:
<p class="empty">{{_("Whom you write to is kept here.")}}</p>
% end
<ul class="letters plainly">
% for one in people:
<li><a href="/write?to={{one.address}}"><span class="who">{{who(one)}}</span>
<span class="subject">{{one.address}}</span></a>
<form method="post" action="/people/forget"><input type="hidden" name="csrf" value="{{csrf}}"><input type="hidden" name="address" value="{{one.address}}"><button class="plain">{{_("Forget")}}</button></form></li>
% end
</ul>
