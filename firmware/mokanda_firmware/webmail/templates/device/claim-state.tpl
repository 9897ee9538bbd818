<p>{{claim.sentence}}</p>
% if claim.detail:
<p class="hint">{{claim.detail}}</p>
% end
% if claim.facts:
<dl>
% for fact in claim.facts:
<div><dt>{{fact.title}}</dt><dd>{{fact.value}}</dd></div>
% end
</dl>
% end
