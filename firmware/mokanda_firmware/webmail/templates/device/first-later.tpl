<form class="aside" method="post" action="/first/done">
<input type="hidden" name="csrf" value="{{csrf}}">
<button class="plain">{{_("Do the rest another day")}}</button>
</form>
