<h2>{{card.title}}</h2>
<p>{{card.sentence}}</p>
% if card.detail:
<p class="hint">{{card.detail}}</p>
% end
% if card.progress is not None:
<progress max="1" value="{{card.progress}}">{{card.sentence}}</progress>
% end
% if card.facts:
<dl>
% for fact in card.facts:
<div><dt>{{fact.title}}</dt><dd>\\
% if fact.bars:
<span class="bars" aria-hidden="true">\\
% for bar in range(1, 5):
<i class="b{{bar}}{{" on" if bar <= fact.bars else ""}}"></i>\\
% end
</span> \\
% end
{{fact.value}}</dd></div>
% end
</dl>
% end
