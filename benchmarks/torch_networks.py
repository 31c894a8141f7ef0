"""MobileNetV2 and ANTNet written by hand in torch, independently of antcost."""

from torch import Tensor, nn

STAGES = (
    # expansion, reduction, channels, repeat, stride
    (1, 8, 16, 1, 1),
    (6, 8, 24, 2, 2),
    (6, 12, 32, 3, 2),
    (6, 16, 64, 4, 2),
    (6, 24, 96, 3, 1),
    (6, 32, 160, 3, 2),
    (6, 64, 320, 1, 1),
)


def conv_bn(c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(c_out),
    )


class Attention(nn.Module):
    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Linear(channels, channels // reduction, bias=False)
        self.restore = nn.Linear(channels // reduction, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.restore(self.reduce(self.pool(x).flatten(1)).relu()).sigmoid()
        return x * weights[:, :, None, None]


class Block(nn.Module):
    """An ANTBlock, or MobileNetV2's block if there is no reduction."""

    def __init__(
        self, c_in: int, c_out: int, expansion: int, stride: int, groups: int, reduction: int | None
    ) -> None:
        super().__init__()
        hidden = expansion * c_in
        expand = [conv_bn(c_in, hidden, 1), nn.ReLU6()]
        attention = [] if reduction is None else [Attention(hidden, reduction)]
        self.branch = nn.Sequential(
            *(expand if expansion > 1 or attention else []),
            conv_bn(hidden, hidden, 3, stride, hidden),
            nn.ReLU6(),
            *attention,
            conv_bn(hidden, c_out, 1, groups=groups),
        )
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.residual else self.branch(x)


def _network(classes: int, attention: bool, groups: int, cifar: bool) -> nn.Sequential:
    c_in = 32
    layers: list[nn.Module] = [conv_bn(3, c_in, 3, 1 if cifar else 2), nn.ReLU6()]
    for index, (expansion, reduction, channels, repeat, stride) in enumerate(STAGES):
        for block in range(repeat):
            strides = stride if block == 0 and not (cifar and index == 1) else 1
            layers.append(
                Block(
                    c_in,
                    channels,
                    expansion,
                    strides,
                    groups if index else 1,
                    reduction if attention else None,
                )
            )
            c_in = channels
    head = [conv_bn(c_in, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *head, nn.Linear(1280, classes)).eval()


def mobilenet_v2(classes: int = 1000, cifar: bool = False) -> nn.Sequential:
    return _network(classes, attention=False, groups=1, cifar=cifar)


def antnet(groups: int, classes: int = 1000, cifar: bool = False) -> nn.Sequential:
    return _network(classes, attention=True, groups=groups, cifar=cifar)
