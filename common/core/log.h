#pragma once
#include "semcodec/log.h"
