################################################################################
#
# python-pyppmd
#
################################################################################

PYTHON_PYPPMD_VERSION = 1.3.1
PYTHON_PYPPMD_SOURCE = pyppmd-$(PYTHON_PYPPMD_VERSION).tar.gz
PYTHON_PYPPMD_SITE = $(mokanda-python-index)/81/d7/803232913cab9163a1a97ecf2236cd7135903c46ac8d49613448d88e8759
PYTHON_PYPPMD_LICENSE = LGPL-2.1+
PYTHON_PYPPMD_LICENSE_FILES = LICENSE
PYTHON_PYPPMD_SETUP_TYPE = setuptools
PYTHON_PYPPMD_DEPENDENCIES = host-python-setuptools-scm
# As elsewhere: one of its assertions fails where what is unpacked fills its last block.
PYTHON_PYPPMD_ENV = CFLAGS="$(TARGET_CFLAGS) -O2 -DNDEBUG"

$(eval $(python-package))
