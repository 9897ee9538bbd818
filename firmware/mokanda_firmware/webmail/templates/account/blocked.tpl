<section class="sheet card">
<h2>{{_("Blocked writers")}}</h2>
% if blocked:
<ul class="attachments">
% for one in blocked:
<li><form method="post" action="{{path}}/unblock"><input type="hidden" name="csrf" value="{{csrf}}"><input type="hidden" name="writer" value="{{one}}">{{one}} <button class="plain">{{_("Remove")}}<span class="unseen"> {{one}}</span></button></form></li>
% end
</ul>
% end
<form method="post" action="{{path}}/block">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="writer">{{_("An address, or what stands behind the @")}}</label>
<input id="writer" name="writer" value="{{writer}}" maxlength="254" autocapitalize="none" autocomplete="off" required>
<p class="hint">{{_("Letters from there do not come. The relay keeps them for 30 days.")}}</p>
<button class="wide">{{_("Block")}}</button>
</form>
</section>
