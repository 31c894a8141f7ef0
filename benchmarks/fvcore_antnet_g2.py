"""The minimal script that counts ANTNet (g = 2) with fvcore."""

import torch
from fvcore.nn import FlopCountAnalysis
from torch_networks import antnet

print(FlopCountAnalysis(antnet(groups=2), torch.zeros(1, 3, 224, 224)).total())
