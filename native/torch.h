#pragma once

// The part of libtorch that native/ uses. torch/torch.h adds modules, optimizers and data loaders, and five seconds of compile
// time per file.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>
#include <torch/utils.h>
