% rebase("layout.tpl", title=_("Welcome"))
<section class="sheet narrow">
<h1>{{_("Letters for the whole village")}}</h1>
% if is_captive:
<p>{{_("This Wi-Fi brings letters, and no Internet. Press the button, and your phone stays in it.")}}</p>
% else:
<p>{{_("Your phone stays in this Wi-Fi now.")}}</p>
% end
<p>{{_("If this page closes, open your browser. Your letters are at this address:")}}</p>
<p class="secret">{{address}}</p>
% if is_captive:
<form method="post" action="/portal">
% if chosen:
<input type="hidden" name="language" value="{{chosen}}">
% end
<button class="wide">{{_("Go on")}}</button>
</form>
% elif not account:
<p><a class="button wide" href="/">{{_("Log in")}}</a></p>
% end
</section>
