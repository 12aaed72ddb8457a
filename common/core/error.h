#pragma once
#include "semcodec/error.h"
