% rebase("layout.tpl", title=_("Unwanted letters of the village"))
<h1>{{_("Unwanted letters of the village")}}</h1>
<form class="sheet card" method="post" action="/device/unwanted">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="spam">{{_("Advertising: from which score of the mail service on")}}</label>
<input id="spam" name="spam" inputmode="decimal" value="{{"" if wishes.spam is None else "%g" % wishes.spam}}" maxlength="5" aria-describedby="about-spam">
<p class="hint" id="about-spam">{{_("Only writer and subject of such letters come. 5 is usual, less is stricter, nothing lets all come.")}}</p>
<label class="pick"><input type="checkbox" name="strangers" value="1"{{!" checked" if wishes.strangers_by_night else ""}}> {{_("From {from_} to {to} o’clock only letters from people to whom the village has written; the others at night").format(from_=day[0], to=day[1])}}</label>
<button class="wide">{{_("Save")}}</button>
</form>
% include("account/blocked.tpl", path="/device/unwanted")
