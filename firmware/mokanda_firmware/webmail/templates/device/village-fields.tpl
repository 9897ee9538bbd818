<label for="village">{{_("Name of the village")}}</label>
<input id="village" name="village" value="{{fields["village"]}}" maxlength="60" required>
<label for="network">{{_("Name of the Wi-Fi")}}</label>
<input id="network" name="network" value="{{fields["network"]}}" maxlength="32" autocomplete="off" spellcheck="false" aria-describedby="about-network">
<p class="hint" id="about-network">{{_("Phones show it. Leave it empty for “Mokanda” and the name of the village.")}}</p>
<label for="key">{{_("Key of the Wi-Fi")}}</label>
<input id="key" name="key" value="{{fields["key"]}}" maxlength="63" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="about-key">
<p class="hint" id="about-key">{{_("8 to 63 characters without accents; every villager needs it. Left empty, the Wi-Fi is open: everybody nearby comes in, and may listen to what others send.")}}</p>
<label for="country">{{_("Country")}}</label>
<input id="country" name="country" value="{{fields["country"]}}" maxlength="2" size="4" autocomplete="off" autocapitalize="characters" spellcheck="false" aria-describedby="about-country">
<p class="hint" id="about-country">{{_("Two letters, like CD or CM: each country has its rules for radio. Leave it empty for those that hold everywhere.")}}</p>
