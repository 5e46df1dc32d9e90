#pragma once

// What all of native/ takes from libtorch. torch/torch.h would bring modules, optimizers and data loaders as well, and with them
// five more seconds to the compilation of every file.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>
#include <torch/utils.h>
