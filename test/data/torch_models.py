#!/usr/bin/python3
"""Write the small models of sql/model_import.sql as PyTorch writes them.

    torch_models.py DIRECTORY

Needs torch and safetensors (pip install safetensors).  Prints what PyTorch
computes from the inputs that the test uses; everything is seeded.
"""
import sys

import torch
from safetensors.torch import save_file

torch.manual_seed(7)
conv = torch.nn.Sequential(
    torch.nn.Conv2d(2, 3, 3), torch.nn.ReLU(), torch.nn.Conv2d(3, 4, 2),
    torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 3))
state = {k: v.contiguous() for k, v in conv.state_dict().items()}
state["5.weight"] = state["5.weight"].half()
state["2.bias"] = state["2.bias"].bfloat16()
state["5.bias"] = state["5.bias"].double()
conv.load_state_dict({k: v.float() for k, v in state.items()})
save_file(state, f"{sys.argv[1]}/torch_conv.safetensors", metadata={"format": "pt"})
# the test's input is 5 x 5 pixels of 2 channels, channels last
pixels = (torch.arange(50).float() / 25).reshape(1, 5, 5, 2)
print("conv", conv(pixels.permute(0, 3, 1, 2))[0].tolist())

dense = torch.nn.Sequential(*[layer for n in (3, 4, 4, 4, 4, 4) for layer in (torch.nn.Linear(n, 4), torch.nn.Tanh())])
save_file(dense.state_dict(), f"{sys.argv[1]}/torch_dense.safetensors")
print("dense", dense(torch.tensor([[0.5, -1.0, 2.0]]))[0].tolist())
