"""A town's facts, written for the properties of the decision; some differ in one telling word."""

from dataclasses import dataclass, field

from verification.index import FactView, Index, Verdict

FALSE, TRUE, PARTLY = Verdict.FALSE, Verdict.TRUE, Verdict.PARTLY
DEPENDS, UNCONFIRMED, OUTDATED = Verdict.DEPENDS, Verdict.UNCONFIRMED, Verdict.OUTDATED


@dataclass(frozen=True)
class Said:
    """One fact: its claim with slots in braces, what stands in them (the fact's own first)."""

    id: str
    claim: str
    truth: str
    verdict: Verdict
    slots: dict[str, tuple[str, ...]] = field(default_factory=dict)
    denied: str = ""
    """The claim turned round."""
    variants: tuple[str, ...] = ()

    def put(self, **other: str) -> str:
        """Give the claim, with other words in some of its slots."""
        return self.claim.format(**{name: values[0] for name, values in self.slots.items()} | other)

    def flips(self) -> list[str]:
        """Give the claims that differ from this one in one slot, and the one turned round."""
        swapped = [
            self.put(**{name: value}) for name, values in self.slots.items() for value in values[1:]
        ]
        return [*swapped, *([self.denied] if self.denied else [])]


TOWN = (
    Said(
        "water-8", "柳荫里{building}号楼{day}停水{hours}小时",
        "柳荫里8号楼8月12日只停水2小时，上午10点以后恢复。", FALSE,
        {"building": ("8", "3", "12"), "day": ("8月12日", "8月14日", "9月12日"),
         "hours": ("10", "20")},
        "柳荫里8号楼8月12日不停水",
    ),
    Said(
        "water-5", "柳荫里{building}号楼{day}停水{hours}小时",
        "柳荫里5号楼8月12日停水10小时，晚上6点以后恢复。", TRUE,
        {"building": ("5", "6"), "day": ("8月12日", "8月22日"), "hours": ("10", "14")},
        "柳荫里5号楼8月12日不会停水10小时",
    ),
    Said(
        "water-maple", "{place}下周二全天停电",
        "枫桥苑下周二只停电一小时，检修配电房。", PARTLY,
        {"place": ("枫桥苑", "石榴坊", "柳荫里")}, "枫桥苑下周二全天不停电",
    ),
    Said(
        "gas-bill", "煤气费从{day}起每立方涨{sum}元",
        "煤气费没有调价，10月1日起只是换新的账单格式。", FALSE,
        {"day": ("10月1日", "11月1日", "10月15日"), "sum": ("2", "5")},
        "煤气费从10月1日起每立方不涨2元",
    ),
    Said(
        "lift-fee", "高层住户的电梯费每户每年要交{sum}元",
        "电梯费没有另收，包在物业费里面。", FALSE, {"sum": ("300", "600", "1200")},
        "高层住户的电梯费每户每年不用交300元",
    ),
    Said(
        "parking", "石榴坊的地面车位每月收{sum}元",
        "石榴坊的地面车位每月收150元，从今年1月开始，业主大会表决通过。", TRUE,
        {"sum": ("150", "250")}, "石榴坊的地面车位每月不收150元",
    ),
    Said(
        "school-open", "南门小学{day}开学",
        "南门小学9月1日开学，各年级时间一样。", TRUE, {"day": ("9月1日", "9月4日", "8月25日")},
        "南门小学9月1日不开学",
    ),
    Said(
        "school-move", "南门小学明年要搬到{place}",
        "南门小学没有搬迁计划。", FALSE, {"place": ("高新区", "开发区")}, "南门小学明年不会搬到高新区",
    ),
    Said(
        "bus-17", "{line}路公交车从{day}起取消",
        "17路公交车没有取消，只改走滨河路。", FALSE,
        {"line": ("17", "27", "7"), "day": ("7月5日", "7月15日")}, "17路公交车从7月5日起不取消",
    ),
    Said(
        "bus-free", "满{age}岁的老人坐公交车免费",
        "满65岁的老人凭卡坐公交车免费。", TRUE, {"age": ("65", "60", "70")},
        "满65岁的老人坐公交车不免费",
    ),
    Said(
        "metro", "地铁{line}号线石榴坊站要关闭{days}天",
        "地铁5号线石榴坊站只关一个出口，车照常停。", FALSE,
        {"line": ("5", "3"), "days": ("40", "14")}, "地铁5号线石榴坊站不关闭",
    ),
    Said(
        "typhoon", "台风{day}在本市登陆，风力{force}级",
        "台风不在本市登陆，外围风力最大8级。", FALSE,
        {"day": ("8月3日", "8月5日"), "force": ("14", "12", "17")}, "台风8月3日不在本市登陆",
    ),
    Said(
        "dam", "上游水库{time}点泄洪，会淹到{place}",
        "上游水库没有泄洪计划，河道水位正常。", FALSE,
        {"place": ("滨河路", "柳荫里")} | {"time": ("3", "5")}, "上游水库3点不泄洪，不会淹到滨河路",
    ),
    Said(
        "egg", "超市的鸡蛋查出{share}%不合格",
        "抽查的120批鸡蛋全部合格。", FALSE, {"share": ("30", "60")},
        "超市的鸡蛋没有查出30%不合格",
    ),
    Said(
        "pension", "养老金从{month}月起每人加{sum}元",
        "养老金调整还没有公布，金额和时间都没有定。", UNCONFIRMED,
        {"month": ("7", "10"), "sum": ("200", "500")}, "养老金从7月起每人不加200元",
    ),
    Said(
        "vaccine", "社区卫生站{day}给{age}岁以上老人打流感疫苗",
        "社区卫生站11月6日给60岁以上老人打流感疫苗，带身份证就行。", TRUE,
        {"day": ("11月6日", "11月16日", "12月6日"), "age": ("60", "70")},
        "社区卫生站11月6日不给60岁以上老人打流感疫苗",
    ),
    Said(
        "theft", "{place}昨晚{houses}户人家被撬门",
        "枫桥苑昨晚没有接到撬门的报案。", FALSE,
        {"place": ("枫桥苑", "石榴坊"), "houses": ("9", "3")}, "枫桥苑昨晚没有9户人家被撬门",
    ),
    Said(
        "tower", "{building}号楼楼顶要装通信基站",
        "8号楼楼顶没有装基站的计划。", FALSE, {"building": ("8", "11", "18")},
        "8号楼楼顶不装通信基站",
    ),
    Said(
        "market", "滨河菜市场{day}关门搬迁",
        "滨河菜市场6月30日搬到对面新楼，当天照常营业。", PARTLY,
        {"day": ("6月30日", "7月30日", "6月20日")}, "滨河菜市场6月30日不关门搬迁",
    ),
    Said(
        "heating", "今年集中供暖推迟到{day}",
        "今年集中供暖照旧从11月15日开始。", FALSE, {"day": ("12月1日", "12月20日")},
        "今年集中供暖不推迟到12月1日",
    ),
    Said(
        "garbage", "厨余垃圾没有分类要罚{sum}元",
        "个人不分类先劝导，拒不改正才罚款，数额按条例。", DEPENDS, {"sum": ("200", "2000")},
        "厨余垃圾没有分类不会罚200元",
    ),
    Said(
        "scooter", "电动车停在楼道里每次罚{sum}元",
        "电动车停在楼道里先通知搬走，拒不改正才处罚。", DEPENDS, {"sum": ("500", "50")},
        "电动车停在楼道里不罚500元",
    ),
    Said(
        "dog", "养狗证每年年检要交{sum}元",
        "养狗证年检不收费。", FALSE, {"sum": ("400", "100")}, "养狗证每年年检不用交400元",
    ),
    Said(
        "loan", "社区给每户发{sum}元消费券",
        "消费券在网上抽，没有每户都发。", FALSE, {"sum": ("800", "300")}, "社区不给每户发800元消费券",
    ),
    Said(
        "exam", "今年中考推迟{days}天",
        "今年中考时间没有变，6月14日开始。", FALSE, {"days": ("5", "10")}, "今年中考不推迟",
    ),
    Said("library", "区图书馆周一闭馆", "区图书馆周一闭馆，周二到周日开放。", TRUE,
         denied="区图书馆周一不闭馆"),
    Said("pool", "石榴坊游泳池的水三个月没换过", "石榴坊游泳池每天循环消毒，上周刚换过水。", FALSE,
         denied="石榴坊游泳池的水换过了"),
    Said("mushroom", "吃野生蘑菇之前用银针试，不变黑就没毒", "银针试不出蘑菇的毒，野生蘑菇不要采食。", FALSE,
         denied="吃野生蘑菇之前用银针试没有用", variants=("银针不变黑的蘑菇可以吃",)),
    Said("salt", "多吃碘盐能防辐射", "碘盐不能防辐射，吃多了伤身体。", FALSE, denied="多吃碘盐不能防辐射"),
    Said("garlic", "大蒜水可以治好感冒", "大蒜水治不了感冒，多休息多喝水。", FALSE,
         denied="大蒜水不能治好感冒"),
    Said("banana", "香蕉打了针，吃了会头晕", "香蕉没有打针，果肉里的黑线是天然的。", FALSE,
         denied="香蕉没有打针，吃了不会头晕"),
    Said("pork", "菜市场的猪肉注了水", "菜市场的猪肉每批都有检疫章，没有查到注水。", FALSE,
         denied="菜市场的猪肉没有注水"),
    Said("shrimp", "小龙虾是外国引进来吃尸体的", "小龙虾不是为处理尸体引进的，煮熟可以吃。", FALSE,
         denied="小龙虾不是外国引进来吃尸体的"),
    Said("rice", "超市卖的大米掺了塑料", "抽检的大米里没有塑料。", FALSE, denied="超市卖的大米没有掺塑料"),
    Said("milk", "牛奶和橘子一起吃会中毒", "牛奶和橘子一起吃不会中毒。", FALSE,
         denied="牛奶和橘子一起吃不会中毒"),
    Said("kidnap", "有人在校门口用糖果拐走了两个小孩", "派出所没有接到这样的报案，校门口有人值守。", FALSE,
         denied="没有人在校门口用糖果拐走小孩"),
    Said("needle", "公园滑梯上有人放刀片", "公园每天检查滑梯，没有发现刀片。", FALSE,
         denied="公园滑梯上没有人放刀片"),
    Said("fireworks", "今年春节城区可以放烟花", "今年春节城区仍然禁放烟花。", FALSE,
         denied="今年春节城区不可以放烟花"),
    Said("door-mark", "门上画的圆圈是小偷踩点的记号", "圆圈是装修公司画的，不是小偷的记号。", FALSE,
         denied="门上画的圆圈不是小偷踩点的记号"),
    Said("census", "上门登记人口的人是骗子", "上门登记的是戴证件的普查员，可以打社区电话核实。", PARTLY,
         denied="上门登记人口的人不是骗子"),
    Said("id-card", "身份证丢了挂失没有用", "身份证丢了要马上挂失，派出所当场办理。", FALSE,
         denied="身份证丢了挂失有用"),
    Said("bank", "滨河路的信用社要倒闭，存款取不出来", "滨河路的信用社营业正常，存取款不受影响。", FALSE,
         denied="滨河路的信用社不会倒闭，存款取得出来"),
    Said("insurance", "医保卡里的钱年底清零", "医保个人账户的钱不清零，可以一直用。", FALSE,
         denied="医保卡里的钱年底不清零"),
    Said("subsidy", "旧空调换新有补贴", "旧空调换新有补贴，在指定商店登记。", TRUE, denied="旧空调换新没有补贴"),
    Said("dorm", "枫桥苑的空房要改成隔离点", "枫桥苑没有改隔离点的计划。", FALSE,
         denied="枫桥苑的空房不改成隔离点"),
    Said("tree", "柳荫里的老槐树要砍掉", "柳荫里的老槐树是古树，只修枝，不砍。", FALSE,
         denied="柳荫里的老槐树不砍"),
    Said("bridge", "滨河大桥成了危桥，随时会塌", "滨河大桥检测合格，正在刷漆。", FALSE,
         denied="滨河大桥不是危桥，不会塌"),
    Said("plant", "城东的化工厂昨晚爆炸", "城东的化工厂昨晚是消防演练，没有爆炸。", FALSE,
         denied="城东的化工厂昨晚没有爆炸"),
    Said("clinic", "南门医院急诊晚上不收病人", "南门医院急诊24小时开放。", FALSE,
         denied="南门医院急诊晚上收病人"),
    Said("quake", "地震局预报周末有地震", "地震局没有发布过地震预报。", FALSE, denied="地震局没有预报周末有地震"),
    Said("radio", "微波炉热的饭会致癌", "微波炉热的饭不会致癌。", FALSE, denied="微波炉热的饭不会致癌"),
    Said("cash", "旧版纸币明年作废", "旧版纸币明年照常使用。", FALSE, denied="旧版纸币明年不作废"),
    Said("mask", "坐公交车必须戴口罩", "从去年起坐公交车不再要求戴口罩。", OUTDATED, denied="坐公交车不用戴口罩"),
    Said("en-water", "The tap water in Maple Court is not safe to drink until Friday",
         "The tap water in Maple Court has been tested and is safe to drink.", FALSE,
         denied="The tap water in Maple Court is safe to drink until Friday"),
    Said("en-clinic", "The night clinic on River Road closes on {day} March",
         "The night clinic on River Road stays open every night of the week.", FALSE,
         {"day": ("5", "15")}, "The night clinic on River Road does not close on 5 March"),
    Said("en-fee", "Residents must pay {sum} yuan for the new door cards",
         "The new door cards are free; only a lost card costs something.", FALSE,
         {"sum": ("80", "20")}, "Residents need not pay for the new door cards"),
)  # fmt: skip


def view(said: Said) -> FactView:
    return FactView(said.id, said.put(), said.variants, said.truth, said.verdict)


def index(town: tuple[Said, ...] = TOWN) -> Index:
    """Build the index of the town's facts in the order given."""
    built = Index()
    for said in town:
        built.add(view(said))
    return built
