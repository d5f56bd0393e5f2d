"""Demonstration items for people: living here, dogs, sport."""

from typing import Final

from services.catalog.demo.organisations import EDUCATION, POLICE, RESIDENCE_CARD, both, condition, item, steps
from services.catalog.domain.form import applicant_pages, behind, choice, date, form, page, text
from services.contracts.catalog_items import Basis, Fee, Limit, Limits, Material, Result

_PHOTOS: Final = ("image/jpeg", "image/png")
_RESIDENCE_PAPERS: Final = Basis(law="居住证暂行条例", article="第九条")
_DOG_RULES: Final = Basis(law="示例区养犬登记办法", article="第六条")
_ATHLETE_RULES: Final = Basis(law="运动员技术等级管理办法")

RESIDENCE_PERMIT: Final = item(
    POLICE,
    ("07", "09", 1),
    ("居住证办理", "Residence permit"),
    phone="0826-000 0201",
    summary=both(
        "在这里住满半年，有工作、住处或者在上学，就可以办居住证，享受和本地居民一样的基本公共服务。",
        "If you have lived here for half a year and work, study or have a home here, this permit gives you the same "
        "basic public services as local residents.",
    ),
    subjects=("person",),
    case_kind="promised",
    limits=Limits(
        statutory=Limit(amount=15, unit="day", note=both("从受理那天起算", "Counted from acceptance")),
        promised=Limit(amount=5),
    ),
    fee=Fee(charged=False, note=both("首次办理免费", "The first permit is free")),
    visits=0,
    topics=("household",),
    online_depth=4,
    conditions=(
        condition("户口不在本区。", "You are registered elsewhere.", "!registered_here"),
        condition("在本区住满半年。", "You have lived here for half a year.", "residence_months >= 6"),
        condition(
            "在本区有合法稳定就业、合法稳定住所，或者连续就读，三样有一样就行。",
            "You have one of these here: steady lawful work, a steady lawful home, or continuous schooling.",
            'residence_ground in ["work", "home", "school"]',
        ),
    ),
    basis=(
        Basis(law="居住证暂行条例", article="第二条"),
        Basis(law="居住证暂行条例", article="第九条"),
        Basis(law="居住证暂行条例", article="第十条"),
    ),
    results=(Result(name=both("居住证", "Residence permit"), licence_type=RESIDENCE_CARD),),
    materials=(
        Material(
            id="photo",
            name=both("近期证件照", "Recent portrait photograph"),
            note=both("白底，JPG 或 PNG。", "White background, JPG or PNG."),
            required=True,
            basis=_RESIDENCE_PAPERS,
            made_by="applicant",
            media_types=_PHOTOS,
            max_bytes=5 * 1024 * 1024,
            max_files=1,
        ),
        Material(
            id="proof",
            name=both("就业、住所或就读的证明", "Proof of work, home or schooling"),
            note=both(
                "劳动合同、租房合同、房产证、学生证，有一样就行。",
                "One of: labour contract, tenancy agreement, title deed, student card.",
            ),
            required=True,
            basis=_RESIDENCE_PAPERS,
            made_by="organ",
            issuer=both("用人单位、房屋出租人、不动产登记机构或者学校", "Employer, landlord, land registry or school"),
        ),
    ),
    steps=steps(
        both(
            "派出所核对住址和您选的那一项证明。", "The police station checks your address and the proof that you chose."
        ),
        both(
            "证件做好后寄到您填的地址，也可以到派出所取。", "The card is posted to you, or you fetch it at the station."
        ),
        section=("派出所户籍岗", "Registration desk of the police station"),
    ),
    form=form(
        [
            *applicant_pages(("person",)),
            page(
                "residence",
                "您住在哪里",
                "Where you live",
                {
                    "address": behind(
                        "residence_address",
                        text(
                            "现在的住址",
                            "Present address",
                            hint=("写到门牌号，比如 幸福街道 12 号 3 单元 501。", "Down to the flat number."),
                            longest=200,
                            autocomplete="street-address",
                        ),
                    ),
                    "since": date(
                        "从哪天开始住", "Since when", hint=("记不清，写大概的日子。", "An approximate day will do.")
                    ),
                },
            ),
            page(
                "ground",
                "您凭什么办",
                "Your ground",
                {
                    "ground": behind(
                        "residence_ground",
                        choice(
                            "选符合的一项",
                            "Choose the one that fits",
                            {
                                "work": ("在这里工作", "I work here"),
                                "home": ("在这里有住处", "I have a home here"),
                                "school": ("在这里上学", "I study here"),
                            },
                        ),
                    ),
                    "delivery": choice(
                        "证件怎么给您",
                        "How you want the card",
                        {
                            "post": ("寄给我", "By post"),
                            "station": ("我到派出所取", "I fetch it at the police station"),
                        },
                    ),
                },
            ),
        ]
    ),
)

DOG: Final = item(
    POLICE,
    ("01", "09", 2),
    ("犬类准养登记", "Dog registration"),
    phone="0826-000 0202",
    summary=both(
        "在城区养犬，先给犬打狂犬病疫苗，再来登记。登记后领犬牌，每年续一次。",
        "Before you keep a dog in town, have it vaccinated against rabies and register it. The tag is renewed yearly.",
    ),
    subjects=("person", "company"),
    case_kind="promised",
    fee=Fee(charged=False),
    visits=0,
    topics=("household", "养犬"),
    online_depth=4,
    results=(Result(name=both("犬类准养登记证和犬牌", "Certificate and tag")),),
    conditions=(
        condition(
            "犬只在一年之内接种过狂犬病疫苗。",
            "The dog was vaccinated against rabies within a year.",
            "rabies_vaccinated_on <= today && days_since(rabies_vaccinated_on) <= 366",
        ),
        condition("不是禁养的烈性犬。", "The dog is of no prohibited dangerous breed."),
        condition("有固定住所；单位养犬的，有专人看管。", "You have a fixed home; an organisation has a keeper."),
    ),
    basis=(
        Basis(law="中华人民共和国动物防疫法", article="第三十条"),
        Basis(law="中华人民共和国行政许可法", article="第四十二条"),
    ),
    materials=(
        Material(
            id="vaccination",
            name=both("狂犬病免疫证明", "Rabies vaccination certificate"),
            note=both("动物诊疗机构出具，在有效期内。", "From a veterinary clinic, still valid."),
            required=True,
            basis=Basis(law="中华人民共和国动物防疫法", article="第三十条"),
            made_by="organ",
            issuer=both("动物诊疗机构", "Veterinary clinic"),
        ),
        Material(
            id="dog-photos",
            name=both("犬只照片", "Photographs of the dog"),
            note=both("正面和侧面各一张。", "One from the front, one from the side."),
            required=True,
            basis=_DOG_RULES,
            made_by="applicant",
            media_types=_PHOTOS,
            max_files=4,
        ),
        Material(
            id="sterilisation",
            name=both("绝育证明", "Proof of sterilisation"),
            note=both("有就上传。", "If you have it."),
            required=False,
            basis=_DOG_RULES,
            made_by="organ",
            issuer=both("动物诊疗机构", "Veterinary clinic"),
        ),
    ),
    steps=steps(
        both(
            "核对免疫证明和犬种，有疑问会打电话问您。",
            "We check the vaccination and the breed and ring you if in doubt.",
        ),
        both(
            "电子登记证当天可用，犬牌寄到家。", "The electronic certificate is usable the same day; the tag is posted."
        ),
        section=("治安管理岗", "Public order desk"),
    ),
    form=form(
        [
            *applicant_pages(("person", "company")),
            page(
                "dog",
                "您的犬",
                "Your dog",
                {
                    "dog_name": text("犬名", "The dog's name", longest=30),
                    "breed": text("犬种", "Breed", longest=50, hint=("不清楚就写“混种”。", "If unsure write “mixed”.")),
                    "sex": choice("公母", "Sex", {"male": ("公", "Male"), "female": ("母", "Female")}),
                    "born": date("出生日期", "Date of birth", hint=("大概的日子也行。", "An approximate day will do.")),
                    "coat": choice(
                        "毛色",
                        "Coat",
                        {
                            "black": ("黑", "Black"),
                            "white": ("白", "White"),
                            "brown": ("棕", "Brown"),
                            "yellow": ("黄", "Yellow"),
                            "mixed": ("花色", "Mixed"),
                        },
                        widget="select",
                    ),
                },
            ),
            page(
                "keeping",
                "养在哪里",
                "Where it is kept",
                {
                    "address": text("养犬地址", "Address", longest=200, autocomplete="street-address"),
                    "vaccinated": behind(
                        "rabies_vaccinated_on", date("最近一次打疫苗的日期", "Date of the last rabies vaccination")
                    ),
                },
            ),
        ]
    ),
)

ATHLETE: Final = item(
    EDUCATION,
    ("07", "33", 3),
    ("三级运动员称号授予", "Title of third-grade athlete"),
    phone="0826-000 0301",
    summary=both(
        "在区级以上正式比赛中达到三级运动员标准的，可以申请授予称号。",
        "If you met the third-grade standard in an official competition of the district or above, apply for the title.",
    ),
    subjects=("person",),
    case_kind="promised",
    limits=Limits(promised=Limit(amount=10)),
    fee=Fee(charged=False),
    visits=0,
    topics=("education", "体育"),
    online_depth=4,
    results=(Result(name=both("三级运动员证书", "Certificate of a third-grade athlete")),),
    conditions=(
        condition("比赛成绩达到《运动员技术等级标准》的三级标准。", "Your result meets the third-grade standard."),
        condition(
            "成绩在六个月之内取得。",
            "The result is at most six months old.",
            "competition_held_on <= today && days_since(competition_held_on) <= 184",
        ),
    ),
    basis=(Basis(law="中华人民共和国体育法"), Basis(law="运动员技术等级管理办法")),
    materials=(
        Material(
            id="results",
            name=both("比赛成绩册或成绩证明", "Results book or certificate"),
            note=both("主办单位盖章的。", "With the organiser's seal."),
            required=True,
            basis=_ATHLETE_RULES,
            made_by="organ",
            issuer=both("比赛主办单位", "Organiser of the competition"),
        ),
        Material(
            id="photo",
            name=both("近期证件照", "Portrait photograph"),
            required=False,
            basis=_ATHLETE_RULES,
            made_by="applicant",
            media_types=_PHOTOS,
            max_files=1,
        ),
    ),
    steps=steps(
        both(
            "对照标准核实成绩，在网上公示 5 个工作日。",
            "Your result is checked and published online for 5 working days.",
        ),
        both("电子证书可以下载，纸质证书寄到家。", "Download the electronic certificate; the paper one is posted."),
        section=("体育岗", "Sports desk"),
    ),
    form=form(
        [
            *applicant_pages(("person",)),
            page(
                "competition",
                "哪场比赛",
                "The competition",
                {
                    "competition": text("比赛名称", "Name of the competition"),
                    "held_on": behind("competition_held_on", date("比赛日期", "Date")),
                    "sport": choice(
                        "项目",
                        "Sport",
                        {
                            "athletics": ("田径", "Athletics"),
                            "swimming": ("游泳", "Swimming"),
                            "basketball": ("篮球", "Basketball"),
                            "football": ("足球", "Football"),
                            "table_tennis": ("乒乓球", "Table tennis"),
                            "badminton": ("羽毛球", "Badminton"),
                            "other": ("其他", "Other"),
                        },
                        widget="select",
                    ),
                },
            ),
            page(
                "result",
                "成绩",
                "Your result",
                {
                    "result": text(
                        "成绩或名次", "Result or place", hint=("比如 100 米 12 秒 1。", "Such as 100 m in 12.1 s.")
                    ),
                    "team": text("代表单位", "Team", hint=("个人参赛可以不填。", "Leave empty if you entered alone.")),
                },
            ),
        ],
        optional=["team"],
    ),
)

PEOPLE_ITEMS: Final = (RESIDENCE_PERMIT, DOG, ATHLETE)
