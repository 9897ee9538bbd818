% rebase("layout.tpl", title=_("The device is wiped"))
<section class="sheet narrow">
<h1>{{_("The device is wiped")}}</h1>
<p>{{_("It starts anew and erases all that it has kept; this takes some minutes, and goes on after a power cut. Then its Wi-Fi is called “Mokanda” and is open.")}}</p>
</section>
