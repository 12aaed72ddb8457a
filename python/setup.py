"""Packs what CMake built; run by `cmake --build build --target wheel`."""

from setuptools import Distribution, setup


class BinaryDistribution(Distribution):
    """Says that the wheel is for this Python and machine, though nothing is compiled here."""

    def has_ext_modules(self):
        return True


setup(packages=["semcodec"], distclass=BinaryDistribution,
      # Libraries under the name that they are loaded by, without the fuller names behind it.
      package_data={"semcodec": ["_semcodec*.so", "libsemcodec_*.so.[0-9]*.[0-9]*",
                                 "libsemcodec_*_cuda.so", "models/*/*"]},
      exclude_package_data={"semcodec": ["libsemcodec_*.so.*.*.*"]})
