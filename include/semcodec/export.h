#pragma once
/// @file
//// @file
//// What the shared libraries let others see. They are built with hidden visibility.

/// A name of the public interface.
#define SEMCODEC_API __attribute__((visibility("default")))

/// A name that libsemcodec_codec takes from libsemcodec_planes; not for others, and without notice
/// another one in the next version.
#define SEMCODEC_SIBLING_API __attribute__((visibility("default")))
