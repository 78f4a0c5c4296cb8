"""MLflow's registry as far as moves use it, in memory: the same moves on MLflow itself take seconds each."""

from dataclasses import dataclass, field


@dataclass
class StoredVersion:
    tags: dict[str, str]
    run_id: str = ""
    description: str = ""
    creation_timestamp: int = 0


@dataclass
class StoredModel:
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


class RegistryInMemory:
    """One registered model. Method by method what `mlflow.MlflowClient` has under these names."""

    def __init__(self) -> None:
        self.model = StoredModel()
        self.versions: dict[str, StoredVersion] = {}

    def get_registered_model(self, name: str) -> StoredModel:
        return self.model

    def get_model_version(self, name: str, number: str) -> StoredVersion:
        return self.versions[number]

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self.model.tags[key] = value

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        del self.model.tags[key]

    def set_registered_model_alias(self, name: str, alias: str, number: str) -> None:
        self.model.aliases[alias] = number

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        del self.model.aliases[alias]

    def set_model_version_tag(self, name: str, number: str, key: str, value: str) -> None:
        self.versions[number].tags[key] = value

    def delete_model_version_tag(self, name: str, number: str, key: str) -> None:
        del self.versions[number].tags[key]
