#pragma once
#include "semcodec/image.h"
