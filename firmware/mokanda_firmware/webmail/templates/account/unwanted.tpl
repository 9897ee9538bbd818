% rebase("layout.tpl", title=_("Unwanted letters"))
<h1>{{_("Unwanted letters")}}</h1>
% if kept or asked:
<section class="sheet card">
<h2>{{_("Kept back")}}</h2>
<p>{{ngettext("{number} letter waits at the relay.", "{number} letters wait at the relay.", kept).format(number=kept)}}</p>
% if asked:
<p class="hint">{{_("The list is asked for: it comes into your trash with one of the next mail runs.")}}</p>
% else:
<form method="post" action="/account/unwanted/list">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="wide quiet">{{_("Ask for the list")}}</button>
</form>
% end
</section>
% end
% include("account/blocked.tpl", path="/account/unwanted")
<form class="sheet card" method="post" action="/account/unwanted/newsletters">
<h2>{{_("Newsletters")}}</h2>
<input type="hidden" name="csrf" value="{{csrf}}">
<label class="pick"><input type="checkbox" name="wait" value="1"{{!" checked" if newsletters_wait else ""}}> {{_("Of newsletters and lists only writer and subject come")}}</label>
<button class="wide">{{_("Save")}}</button>
</form>
