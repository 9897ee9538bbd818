% rebase("layout.tpl", title=who(person))
<form class="sheet" method="post" action="/people/person">
<h1>{{who(person)}}</h1>
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="old" value="{{person.address}}">
<label for="name">{{_("Their name")}}</label>
<input id="name" name="name" value="{{shown.name}}" maxlength="60" autocomplete="off">
<label for="address">{{_("Address")}}</label>
<input id="address" name="address" value="{{shown.address}}" autocapitalize="none" spellcheck="false" inputmode="email" required>
<p class="actions"><button>{{_("Save")}}</button> <a class="button quiet" href="/people">{{_("Back")}}</a></p>
</form>
<form class="aside" method="post" action="/people/forget">
<input type="hidden" name="csrf" value="{{csrf}}"><input type="hidden" name="address" value="{{person.address}}">
<button class="plain">{{_("Forget")}}</button>
</form>
