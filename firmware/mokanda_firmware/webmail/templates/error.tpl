% rebase("layout.tpl", title=_("Not possible"))
<section class="sheet narrow">
<h1>{{_("Not possible")}}</h1>
<p class="problem" role="alert">{{text}}</p>
<p><a class="button wide" href="/">{{_("Go on")}}</a></p>
</section>
