# SPDX-License-Identifier: Apache-2.0

# Our own packages have the version that their pyproject.toml states.
mokanda-version = $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' \
	$(BR2_EXTERNAL_MOKANDA_PATH)/../$(1)/pyproject.toml)

# Where the index keeps its archives: there, Buildroot's own Python packages come from.
mokanda-python-index = $(firstword $(subst /packages/, ,$(PYTHON_CBOR2_SITE)))/packages

include $(sort $(wildcard $(BR2_EXTERNAL_MOKANDA_PATH)/package/*/*.mk))

# The mail store searches with it; no option of Buildroot asks for it.
SQLITE_CONF_OPTS += --fts5

# Of GnuPG's programs two run here: gpg and its agent.
GNUPG2_CONF_OPTS += --disable-sqlite $(addprefix --disable-,\
	card-support dirmngr doc g13 gpgsm gpgtar scdaemon tofu tpm2d wks-tools)

# Start-up is most of what a slow board waits for. In a shared library the interpreter would call its
# own functions through a table, for none to be replaced.
PYTHON3_CFLAGS += -O2 -fno-semantic-interposition

# Searches in the mail, and packs and unpacks the bundles.
SQLITE_CFLAGS += -O2

# Beside the system's name what no option of Buildroot leaves out, and nothing here speaks.
LIBOPENSSL_TARGET_ARCH += $(addprefix no-,\
	aria ct dtls ec2m gost lms ml-dsa slh-dsa sm2 sm3 sm4 srp srtp ts)

define MOKANDA_CHECK_CONFIG
	$(BR2_EXTERNAL_MOKANDA_PATH)/board/mokanda/check-config.sh \
		$(@D)/.config $($(PKG)_KCONFIG_FRAGMENT_FILES)
endef
BUSYBOX_POST_CONFIGURE_HOOKS += MOKANDA_CHECK_CONFIG
LINUX_POST_CONFIGURE_HOOKS += MOKANDA_CHECK_CONFIG
