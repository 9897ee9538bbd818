% rebase("layout.tpl", title=_("Welcome"))
<section class="sheet narrow">
<p class="hint">{{_("Step {number} of {all}").format(number=1, all=4)}}</p>
<h1>{{_("Welcome")}}</h1>
<p>{{_("This device is new. It brings mail to a whole village. You set it up in a few minutes, and you will be its keeper: whoever goes on first is the one.")}}</p>
<h2 id="choose">{{_("In which language?")}}</h2>
<form method="post" action="/language" aria-labelledby="choose">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="back" value="/register">
% for one in languages:
<button class="wide{{"" if one is language else " quiet"}}" name="language" value="{{one.code}}" lang="{{one.code}}">{{one.name}}</button>
% end
</form>
<p class="aside"><a href="/backup">{{_("Restore a backup")}}</a></p>
</section>
