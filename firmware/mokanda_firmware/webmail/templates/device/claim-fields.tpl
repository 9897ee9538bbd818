<label for="file">{{_("Claim file")}}</label>
<input id="file" name="file" type="file" aria-describedby="about-claim">
<p class="hint" id="about-claim">{{_("mokanda-claim.toml, which the operator of your relay gives you. It works once.")}}</p>
<label for="text">{{_("Or its text")}}</label>
<textarea id="text" name="text" rows="4" maxlength="10000" autocapitalize="none" spellcheck="false">
{{get("text", "")}}</textarea>
