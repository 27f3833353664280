from small import Small


class DetectionModel(Small):
    pass
