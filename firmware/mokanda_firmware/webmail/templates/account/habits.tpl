% rebase("layout.tpl", title=_("Signature and absence"))
<h1>{{_("Signature and absence")}}</h1>
<form class="sheet card" method="post" action="/account/signature">
<h2><label for="signature">{{_("Signature")}}</label></h2>
<input type="hidden" name="csrf" value="{{csrf}}">
<textarea id="signature" name="signature" rows="3" maxlength="500" aria-describedby="about-signature">
{{account.signature}}</textarea>
<p class="hint" id="about-signature">{{_("It stands below every letter that you begin.")}}</p>
<button class="wide">{{_("Save")}}</button>
</form>
<form class="sheet card" method="post" action="/account/absence">
<h2><label for="absence">{{_("While I am away")}}</label></h2>
<input type="hidden" name="csrf" value="{{csrf}}">
% if over:
<p class="hint">{{_("This is over: nobody gets the note any more.")}}</p>
% end
<textarea id="absence" name="absence" rows="4" maxlength="2000" aria-describedby="about-absence">
{{absence}}</textarea>
<p class="hint" id="about-absence">{{_("Who writes to you gets this as an answer, once a week; lists and machines do not. Answers to the world cost as letters do. Leave it empty when you are back.")}}</p>
<label for="until">{{_("Up to this day")}}</label>
<input id="until" name="until" type="date" value="{{until}}">
<button class="wide">{{_("Save")}}</button>
</form>
<section class="sheet card">
<h2>{{_("Other names")}}</h2>
<p class="hint">{{_("Letters to these names come to you too. You may have {number}.").format(number=most)}}</p>
% if aliases:
<ul class="attachments">
% for one in aliases:
<li><form method="post" action="/account/aliases/remove"><input type="hidden" name="csrf" value="{{csrf}}"><input type="hidden" name="alias" value="{{one}}">{{one}}@{{domain}} <button class="plain">{{_("Remove")}}<span class="unseen"> {{one}}</span></button></form></li>
% end
</ul>
% end
<form method="post" action="/account/aliases">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="alias">{{_("Another name for your address")}}</label>
<input id="alias" name="alias" value="{{alias}}" maxlength="32" autocapitalize="none" spellcheck="false" required>
<button class="wide quiet">{{_("Add")}}</button>
</form>
</section>
<p class="actions"><a class="button quiet" href="/account">{{_("Back")}}</a></p>
