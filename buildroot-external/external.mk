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
# own functions, and reach what each thread has, through tables; nothing else here takes it in. How it
# jumps from one bytecode to the next best is found out by running a program, which a build here cannot.
PYTHON3_CFLAGS += -O2
PYTHON3_CONF_OPTS += --disable-shared --with-computed-gotos
PYTHON3_POST_INSTALL_TARGET_HOOKS := \
	$(filter-out PYTHON3_ENSURE_LIBPYTHON_STRIPPED,$(PYTHON3_POST_INSTALL_TARGET_HOOKS))

# Nor does anybody read the standard library's documentation there. It is compiled without it before
# Buildroot compiles what is left, and removes the sources. What it remembers of its build is without
# the folder of that.
define MOKANDA_COMPILE_STANDARD_LIBRARY
	find $(TARGET_DIR)/usr/lib/python$(PYTHON3_VERSION_MAJOR) -maxdepth 1 -name '_sysconfigdata_*.py' \
		-exec $(SED) 's|$(BASE_DIR)|/buildroot|g' {} +
	$(PYTHON3_FIX_TIME)
	PYTHONPATH="$(PYTHON3_PATH)" $(HOST_DIR)/bin/python$(PYTHON3_VERSION_MAJOR) \
		$(PYTHON3_DIR)/Lib/compileall.py -b -o 2 -q -s $(TARGET_DIR) -p / -x /site-packages/ \
		$(TARGET_DIR)/usr/lib/python$(PYTHON3_VERSION_MAJOR)
endef
PYTHON3_TARGET_FINALIZE_HOOKS := MOKANDA_COMPILE_STANDARD_LIBRARY $(PYTHON3_TARGET_FINALIZE_HOOKS)

# Searches in the mail, and packs and unpacks the bundles.
SQLITE_CFLAGS += -O2

# Rebuilds an update's blocks, in hours of a village's night; the others have no use for it.
ZSTD_OPTS += MOREFLAGS=-O2
KMOD_CONF_OPTS += --without-zstd
SYSTEMD_CONF_OPTS += -Dzstd=disabled

# Beside the system's name what no option of Buildroot leaves out, and nothing here speaks.
LIBOPENSSL_TARGET_ARCH += $(addprefix no-,\
	aria ct dtls ec2m gost lms ml-dsa ml-kem slh-dsa sm2 sm3 sm4 srp srtp ts)

# Of GnuPG's library for cryptography what our keys, seals and their files are made of.
LIBGCRYPT_CONF_OPTS += --enable-ciphers=aes --enable-pubkey-ciphers="ecc rsa" \
	--enable-digests="blake2 crc md5 rmd160 sha1 sha256 sha3 sha512"

# Each of systemd's programs would load OpenSSL, each command of a unit by what confines it among them,
# for what nothing here asks for: names are looked up in the clear, as an operator's resolver has them.
SYSTEMD_CONF_OPTS += -Dopenssl=disabled -Ddns-over-tls=false -Ddefault-dns-over-tls=no

# systemd's own programs have their share of its library within; of all others the bus alone wants it,
# and of it next to nothing, which goes into its program.
SYSTEMD_CONF_OPTS += -Dstatic-libsystemd=pic
DBUS_CONF_ENV += SYSTEMD_LIBS=" " LDFLAGS="$(TARGET_LDFLAGS) -Wl,--gc-sections" \
	LIBS="$(STAGING_DIR)/usr/lib/libsystemd.a -lcap"
PPPD_CONF_OPTS += --disable-systemd
UTIL_LINUX_CONF_OPTS += --without-systemd

# libtool would write into programs where the build has their libraries. Buildroot takes that out again,
# but a name's letters stay behind, and with them the folder in which the image was built.
define MOKANDA_LINK_WITHOUT_RPATH
	find $(@D) -name libtool -type f -exec $(SED) 's/^hardcode_libdir_flag_spec=.*/hardcode_libdir_flag_spec=/' \
		-e 's/^runpath_var=.*/runpath_var=/' {} +
endef
DBUS_POST_CONFIGURE_HOOKS += MOKANDA_LINK_WITHOUT_RPATH
KMOD_POST_CONFIGURE_HOOKS += MOKANDA_LINK_WITHOUT_RPATH
LIBNL_POST_CONFIGURE_HOOKS += MOKANDA_LINK_WITHOUT_RPATH
UTIL_LINUX_POST_CONFIGURE_HOOKS += MOKANDA_LINK_WITHOUT_RPATH
UTIL_LINUX_LIBS_POST_CONFIGURE_HOOKS += MOKANDA_LINK_WITHOUT_RPATH

define MOKANDA_CHECK_CONFIG
	$(BR2_EXTERNAL_MOKANDA_PATH)/board/mokanda/check-config.sh \
		$(@D)/.config $($(PKG)_KCONFIG_FRAGMENT_FILES)
endef
BUSYBOX_POST_CONFIGURE_HOOKS += MOKANDA_CHECK_CONFIG
LINUX_POST_CONFIGURE_HOOKS += MOKANDA_CHECK_CONFIG
