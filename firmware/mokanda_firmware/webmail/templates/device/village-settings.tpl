% rebase("layout.tpl", title=_("Village and Wi-Fi"))
<form class="sheet card" method="post" action="/device/village">
<h1>{{_("Village and Wi-Fi")}}</h1>
<input type="hidden" name="csrf" value="{{csrf}}">
% include("device/village-fields.tpl")
<button class="wide">{{_("Save")}}</button>
<p class="hint">{{_("If the Wi-Fi changes, it starts anew, and every phone has to connect again.")}}</p>
</form>
<section class="sheet card">
<h2>{{_("Connection to the relay")}}</h2>
% include("device/claim-state.tpl")
<form method="post" action="/device/claim" enctype="multipart/form-data">
<details>
<summary>{{_("Use another claim file")}}</summary>
<p>{{_("The device then belongs to the relay of that file, and everybody's address ends as it says. Letters that wait at the relay until now stay there.")}}</p>
<input type="hidden" name="csrf" value="{{csrf}}">
% include("device/claim-fields.tpl")
<label class="pick"><input type="checkbox" name="sure" value="1"> {{_("Yes, use this claim file")}}</label>
<button class="wide quiet">{{_("Use this claim file")}}</button>
</details>
</form>
</section>
<p class="actions"><a class="button quiet" href="/device">{{_("Back")}}</a> <a class="button quiet" href="/device/wipe">{{_("Wipe this device")}}</a></p>
