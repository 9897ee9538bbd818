% rebase("layout.tpl", title=_("A new villager"))
<section class="sheet narrow">
<h1>{{_("A new villager")}}</h1>
<form method="post" action="/villagers/new">
<input type="hidden" name="csrf" value="{{csrf}}">
<label for="display_name">{{_("Their name")}}</label>
<input id="display_name" name="display_name" value="{{display_name}}" maxlength="60" autocomplete="off" required>
<label for="name">{{_("The name for their address")}}</label>
<input id="name" name="name" value="{{name}}" minlength="2" maxlength="32" autocomplete="off" autocapitalize="none" spellcheck="false" required aria-describedby="about-name">
<p class="hint" id="about-name">{{_("Letters from a to z and digits. Example: {example}").format(example="awa")}}</p>
<button class="wide">{{_("Make the account")}}</button>
</form>
<p class="aside"><a href="/villagers">{{_("Back")}}</a></p>
</section>
