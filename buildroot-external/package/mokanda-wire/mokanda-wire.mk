################################################################################
#
# mokanda-wire
#
################################################################################

MOKANDA_WIRE_VERSION := $(call mokanda-version,wire)
MOKANDA_WIRE_SITE = $(BR2_EXTERNAL_MOKANDA_PATH)/../wire
MOKANDA_WIRE_SITE_METHOD = local
MOKANDA_WIRE_LICENSE = Apache-2.0
MOKANDA_WIRE_LICENSE_FILES = LICENSE
MOKANDA_WIRE_SETUP_TYPE = setuptools

# One licence covers the whole repository.
define MOKANDA_WIRE_ADD_LICENSE
	cp $(BR2_EXTERNAL_MOKANDA_PATH)/../LICENSE $(@D)
endef
MOKANDA_WIRE_POST_RSYNC_HOOKS += MOKANDA_WIRE_ADD_LICENSE

$(eval $(python-package))
