#pragma once

// The picture type is part of the library's face.
#include "sd/image.h"
