################################################################################
#
# mokanda-firmware
#
################################################################################

MOKANDA_FIRMWARE_VERSION := $(call mokanda-version,firmware)
MOKANDA_FIRMWARE_SITE = $(BR2_EXTERNAL_MOKANDA_PATH)/../firmware
MOKANDA_FIRMWARE_SITE_METHOD = local
MOKANDA_FIRMWARE_LICENSE = Apache-2.0
MOKANDA_FIRMWARE_LICENSE_FILES = LICENSE
MOKANDA_FIRMWARE_SETUP_TYPE = setuptools
MOKANDA_FIRMWARE_DEPENDENCIES = host-gettext

# One licence covers the whole repository.
define MOKANDA_FIRMWARE_ADD_LICENSE
	cp $(BR2_EXTERNAL_MOKANDA_PATH)/../LICENSE $(@D)
endef
MOKANDA_FIRMWARE_POST_RSYNC_HOOKS += MOKANDA_FIRMWARE_ADD_LICENSE

# The webmail's other languages, from what the repository has of them.
define MOKANDA_FIRMWARE_COMPILE_CATALOGUES
	find $(@D) -name '*.po' | while read -r file; do \
		$(HOST_DIR)/bin/msgfmt -o "$${file%.po}.mo" "$$file" || exit 1; \
	done
endef
MOKANDA_FIRMWARE_PRE_BUILD_HOOKS += MOKANDA_FIRMWARE_COMPILE_CATALOGUES

$(eval $(python-package))
