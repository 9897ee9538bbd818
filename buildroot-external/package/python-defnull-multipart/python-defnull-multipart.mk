################################################################################
#
# python-defnull-multipart
#
################################################################################

PYTHON_DEFNULL_MULTIPART_VERSION = 1.3.1
PYTHON_DEFNULL_MULTIPART_SOURCE = multipart-$(PYTHON_DEFNULL_MULTIPART_VERSION).tar.gz
PYTHON_DEFNULL_MULTIPART_SITE = $(mokanda-python-index)/8e/d6/9c4f366d6f9bb8f8fb5eae3acac471335c39510c42b537fd515213d7d8c3
PYTHON_DEFNULL_MULTIPART_LICENSE = MIT
PYTHON_DEFNULL_MULTIPART_LICENSE_FILES = LICENSE
PYTHON_DEFNULL_MULTIPART_SETUP_TYPE = flit

$(eval $(python-package))
