/** Owns the resolved form of topic.creation.*. Does not own creating topics. */

import type { TopicCreationGroup, TopicCreationOptions } from '../../core/options.ts';
import { nearestName } from '../suggest.ts';
import { TOPIC_CONFIG_NAMES } from '../table/kafka.ts';
import type { ConfigReport, OptionValues } from './read-values.ts';
import { splitRegexList } from './regex-list.ts';

const OWN = ['include', 'exclude', 'partitions', 'replication.factor'];
const NOT_GROUPS = ['enable', 'groups'];

export function resolveTopicCreation(values: OptionValues, report: ConfigReport): TopicCreationOptions {
  const names = values.list('topic.creation.groups');
  reportStrayGroups(values, report, names);
  return {
    enable: values.flag('topic.creation.enable'),
    default: resolveGroup('default', values, report),
    groups: names.map((name) => resolveGroup(name, values, report)),
  };
}

function resolveGroup(name: string, values: OptionValues, report: ConfigReport): TopicCreationGroup {
  const prefix = `topic.creation.${name}.`;
  const members = values.members(prefix);
  const include = splitRegexList(members.get(`${prefix}include`) ?? '');
  const exclude = splitRegexList(members.get(`${prefix}exclude`) ?? '');
  if (name === 'default') {
    for (const part of ['include', 'exclude']) {
      if (members.has(prefix + part)) report.add('invalid', prefix + part, 'the default group takes every topic that no other group takes');
    }
  } else if (include.length === 0 && !values.wrong(`${prefix}include`)) {
    report.add('missing', `${prefix}include`, 'is required: a group says which topics it holds');
  }
  return {
    name,
    include,
    exclude,
    partitions: numberOf(members.get(`${prefix}partitions`)),
    replicationFactor: numberOf(members.get(`${prefix}replication.factor`)),
    configs: resolveConfigs(prefix, members, report),
  };
}

function resolveConfigs(prefix: string, members: ReadonlyMap<string, string>, report: ConfigReport): (readonly [string, string])[] {
  const configs: (readonly [string, string])[] = [];
  for (const [key, value] of members) {
    const name = key.slice(prefix.length);
    if (OWN.includes(name)) continue;
    const near = TOPIC_CONFIG_NAMES.includes(name) ? undefined : nearestName(name, [...TOPIC_CONFIG_NAMES, ...OWN]);
    if (near === undefined) configs.push([name, value]);
    else report.add('unknown', key, 'is not a config of topics', prefix + near);
  }
  return configs;
}

/** Reports options of groups that topic.creation.groups does not name: they would silently do nothing. */
function reportStrayGroups(values: OptionValues, report: ConfigReport, names: readonly string[]): void {
  for (const key of values.members('topic.creation.').keys()) {
    const group = key.split('.')[2] ?? '';
    if (group === 'default' || names.includes(group) || NOT_GROUPS.includes(group)) continue;
    report.add('unknown', key, `topic.creation.groups does not name the group ${group}`, nearestName(group, names));
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
